"use strict";(self.webpackChunk=self.webpackChunk||[]).push([[345],{345(e,s,l){l.d(s,["fill",0,e=>console.log("basket two",e)])}}]);
//# sourceMappingURL=345-edebde826f63c7642359.chunk.js.map