import { createProductionChat } from '/node_modules/production-chat/dist/index.js'
import { run } from './run.js'

run(createProductionChat)
