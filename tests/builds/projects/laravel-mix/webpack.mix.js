const mix = require("laravel-mix");

mix.setPublicPath("out").js("src/main.js", "js/app.js").css("src/app.css", "css").copy("src/logo.svg", "out/img").version();
