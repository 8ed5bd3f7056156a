export default { telemetry: false, vite: { build: { assetsInlineLimit: 0 } } };
