'use strict';
// Counts the messages of one run, each once, and prints the line that the steps read.

class Received {
  constructor(count) {
    this.run = Date.now().toString(36) + process.pid.toString(36);
    this.count = count;
    this.keys = new Set();
    this.again = 0;
  }

  key(number) {
    return `${this.run}-${number}`;
  }

  add(key, body) {
    if (!key.startsWith(`${this.run}-`) || body !== `body of ${key}`) return;
    if (this.keys.has(key)) this.again++;
    this.keys.add(key);
  }

  get complete() {
    return this.keys.size >= this.count;
  }

  report(sent) {
    console.log(`RESULT sent=${sent} received=${this.keys.size} again=${this.again}`);
    process.exit(0); // an orderly shutdown of the clients proves nothing
  }
}

module.exports = { Received };
