vendor-external.js
