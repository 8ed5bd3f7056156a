export default { ssr: false, buildDirectory: "out" };
