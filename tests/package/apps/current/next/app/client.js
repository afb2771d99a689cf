'use client'

export { App as Client } from './chat.js'
