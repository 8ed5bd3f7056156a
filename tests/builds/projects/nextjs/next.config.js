module.exports = { output: "export", distDir: "out", generateBuildId: () => null };
