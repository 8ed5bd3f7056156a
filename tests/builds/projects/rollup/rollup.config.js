// Rollup alone: no manifest. Styles and pictures are not its business.
const scriptsOnly = { name: "scripts-only", load: (id) => (/\.(css|svg)$/.test(id) ? "export default ''" : null) };

export default {
  input: { app: "src/main.js" },
  output: { dir: "out", entryFileNames: "[name]-[hash].js", chunkFileNames: "[name]-[hash].js", sourcemap: true },
  plugins: [scriptsOnly],
};
