"use strict";(self.webpackChunk=self.webpackChunk||[]).push([[25],{25(s,e,l){l.d(e,["list",0,()=>console.log("teas")])}}]);
//# sourceMappingURL=25-7249516fc41d6f2377a6.js.map