// The names are those of Create React App, whose manifest this plugin writes.
const path = require("node:path");
const MiniCssExtractPlugin = require("mini-css-extract-plugin");
const { WebpackManifestPlugin } = require("webpack-manifest-plugin");

module.exports = {
  mode: "production",
  devtool: "source-map",
  entry: { main: "./src/main.js" },
  output: {
    path: path.resolve("out"),
    publicPath: "/",
    filename: "static/js/[name].[contenthash:8].js",
    chunkFilename: "static/js/[name].[contenthash:8].chunk.js",
    assetModuleFilename: "static/media/[name].[hash][ext]",
  },
  module: {
    rules: [
      { test: /\.css$/, use: [MiniCssExtractPlugin.loader, "css-loader"] },
      { test: /\.svg$/, type: "asset/resource" },
    ],
  },
  plugins: [
    new MiniCssExtractPlugin({ filename: "static/css/[name].[contenthash:8].css" }),
    new WebpackManifestPlugin({ fileName: "asset-manifest.json" }),
  ],
};
