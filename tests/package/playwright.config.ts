import { defineConfig } from '@playwright/test'
import browser from '../browser/playwright.config.js'

// The same browser; no demo: these tests start the stack themselves, and pages of their own.
const { webServer: _, ...settings } = browser

export default defineConfig({ ...settings, outputDir: '../../target/test-package', timeout: 120_000 })
