export default { outDir: "out", build: { inlineStylesheets: "never" }, vite: { build: { assetsInlineLimit: 0 } } };
