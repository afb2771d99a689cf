// webpack as it comes: an entry and a mode, no rules and no plugins.
import webpack from 'webpack'

const here = import.meta.dirname
webpack({ mode: 'production', context: here, entry: './main.js', output: { path: `${here}/dist` } }, (error, stats) => {
  if (error !== null || stats.hasErrors()) {
    console.error(error ?? stats.toString('errors-only'))
    process.exitCode = 1
  }
})
