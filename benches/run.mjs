// `make bench`: side by side with what a user would pick instead. Arguments pick some: node benches/run.mjs streaming

const BENCHES = ['streaming']

const wanted = process.argv.slice(2)
for (const name of wanted.length === 0 ? BENCHES : wanted) {
  if (!BENCHES.includes(name)) throw new Error(`There is no bench ${name}; there is ${BENCHES.join(', ')}.`)
  const { run } = await import(`./${name}/run.mjs`)
  await run()
}
