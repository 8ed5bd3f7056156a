export default { title: "Teas", outDir: "out", cleanUrls: true, vite: { build: { assetsInlineLimit: 0 } } };
