"use strict";(self.webpackChunk=self.webpackChunk||[]).push([[822],{822(s,e,l){l.d(e,["list",0,()=>console.log("teas")])}}]);
//# sourceMappingURL=822.39a8742f.chunk.js.map