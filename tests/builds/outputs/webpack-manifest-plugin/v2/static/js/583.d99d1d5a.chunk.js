"use strict";(self.webpackChunk=self.webpackChunk||[]).push([[583],{583(e,s,t){t.d(s,["total",0,()=>console.log("cart two")])}}]);
//# sourceMappingURL=583.d99d1d5a.chunk.js.map