"use strict";(self.webpackChunk=self.webpackChunk||[]).push([[583],{583(e,s,c){c.d(s,["total",0,()=>console.log("cart one")])}}]);
//# sourceMappingURL=583.b31e23d9.chunk.js.map