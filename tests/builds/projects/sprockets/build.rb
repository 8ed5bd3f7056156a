# What `rails assets:precompile` does, without Rails.
require "sprockets"

environment = Sprockets::Environment.new
environment.append_path("src")
manifest = Sprockets::Manifest.new(environment, "out")
manifest.compile("main.js", "basket.js", "search.js", "app.css", "logo.svg", "leaf.svg")
