const { generateWebpackConfig } = require("shakapacker");

module.exports = generateWebpackConfig();
