chart-7f3d2a1b.digested.js
