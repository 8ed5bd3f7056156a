"use strict";(self.webpackChunk=self.webpackChunk||[]).push([[345],{345(e,s,l){l.d(s,["fill",0,e=>console.log("basket one",e)])}}]);
//# sourceMappingURL=345-393e93519a184ce65e1a.chunk.js.map