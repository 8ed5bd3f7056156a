// Named chunks, and the names of files that Rspack's guide to caching gives.
const path = require("node:path");
const { CssExtractRspackPlugin } = require("@rspack/core");
const { RspackManifestPlugin } = require("rspack-manifest-plugin");

module.exports = {
  mode: "production",
  devtool: "source-map",
  entry: { main: "./src/main.js" },
  output: {
    path: path.resolve("out"),
    publicPath: "/",
    filename: "[name].[contenthash:8].js",
    chunkFilename: "[name].[contenthash:8].js",
    assetModuleFilename: "[name].[contenthash:8][ext]",
  },
  optimization: { chunkIds: "named" },
  module: {
    rules: [
      { test: /\.css$/, type: "javascript/auto", use: [CssExtractRspackPlugin.loader, "css-loader"] },
      { test: /\.svg$/, type: "asset/resource" },
    ],
  },
  plugins: [new CssExtractRspackPlugin({ filename: "[name].[contenthash:8].css" }), new RspackManifestPlugin()],
};
