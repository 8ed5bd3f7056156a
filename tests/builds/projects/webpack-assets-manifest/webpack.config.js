import path from "node:path";
import MiniCssExtractPlugin from "mini-css-extract-plugin";
import { WebpackAssetsManifest } from "webpack-assets-manifest";

export default {
  mode: "production",
  devtool: "source-map",
  entry: { app: "./src/main.js" },
  output: {
    path: path.resolve("out"),
    publicPath: "https://cdn.example.com/static/",
    filename: "[name]-[contenthash].js",
    chunkFilename: "chunks/[name]-[contenthash].js",
    assetModuleFilename: "media/[hash][ext]",
  },
  module: {
    rules: [
      { test: /\.css$/, use: [MiniCssExtractPlugin.loader, "css-loader"] },
      { test: /\.svg$/, type: "asset/resource" },
    ],
  },
  plugins: [
    new MiniCssExtractPlugin({ filename: "[name]-[contenthash].css" }),
    new WebpackAssetsManifest({ publicPath: true, entrypoints: true, integrity: true }),
  ],
};
