export default {
  root: "src",
  publicDir: "../public",
  build: { outDir: "../out", emptyOutDir: true, assetsInlineLimit: 0, sourcemap: true, manifest: true },
};
