// A plain object: the sources are built in a temporary folder, from which `import "vite"` would find nothing.
export default {
  base: "/assets/",
  css: { postcss: {} }, // Do not look for a PostCSS configuration in the folders above.
  build: {
    assetsDir: "", // Everything lies at the top of the out folder, which is published under `assets/`.
    assetsInlineLimit: 0, // Images and the font stay files, however small they are.
    emptyOutDir: true,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        // What several chunks need gets chunks of its own. Inside the entry chunk it would tie every lazy chunk's
        // name to the entry's, and all fingerprints would change with each release.
        codeSplitting: {
          groups: [
            { name: "dom", test: /src\/dom\.js$|vite\/preload-helper|rolldown\/runtime/ },
            { name: "teas", test: /src\/teas\.js$/ },
          ],
        },
      },
    },
  },
};
