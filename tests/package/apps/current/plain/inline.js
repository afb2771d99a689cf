import { createProductionChat } from '/node_modules/production-chat/dist/inline.js'
import { run } from './run.js'

run(createProductionChat)
