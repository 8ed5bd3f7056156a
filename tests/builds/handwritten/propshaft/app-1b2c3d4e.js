app-1b2c3d4e.js
