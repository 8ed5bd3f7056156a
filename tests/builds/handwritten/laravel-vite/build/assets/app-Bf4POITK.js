app-Bf4POITK.js
