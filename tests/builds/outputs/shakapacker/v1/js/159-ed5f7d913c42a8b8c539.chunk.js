"use strict";(self.webpackChunk=self.webpackChunk||[]).push([[159],{159(s,e,l){l.d(e,["list",0,()=>console.log("teas")])}}]);
//# sourceMappingURL=159-ed5f7d913c42a8b8c539.chunk.js.map