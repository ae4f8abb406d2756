// Run a script on MicroPython for WebAssembly, a 32-bit machine, as `micropython` would run it:
//
//     node wasm.mjs MICROPYTHON.mjs HEAP_BYTES FOLDER:FOLDER... SCRIPT ARGUMENT...
//
// The folders become sys.path. They, the script, and every argument that is a path are copied into
// its memory, to the same absolute path as here. The heap is where it starts: this port grows it.
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const PYTHON_STACK_WORDS = 16384;
// Nothing here can wait for the event loop of JavaScript but the top level: what the script gives to
// asyncio.run as its last step is awaited there.
const START = `
import asyncio
import sys
LAST = []
asyncio.run = LAST.append
sys.path[:] = SEARCH + [".frozen"]
sys.argv[:] = ARGV
__file__ = ARGV[0]
EXIT_CODE = 0
try:
    with open(__file__) as file:
        source = file.read()
    exec(compile(source, __file__, "exec"), globals())
    for coroutine in LAST:
        await coroutine
except SystemExit as end:
    EXIT_CODE = end.args[0] if end.args else 0
except BaseException as error:
    sys.print_exception(error)
    EXIT_CODE = 1
`;

const [interpreter, heapBytes, folders, script, ...rest] = process.argv.slice(2);
const search = folders.split(":").map((folder) => path.resolve(folder));
const argv = [path.resolve(script), ...rest.map((word) => (fs.existsSync(word) ? path.resolve(word) : word))];

const { loadMicroPython } = await import(pathToFileURL(interpreter));
const print = (bytes) => fs.writeSync(1, bytes);
const mp = await loadMicroPython({
  heapsize: Number(heapBytes), pystack: PYTHON_STACK_WORDS, linebuffer: false, stdout: print, stderr: print,
});

function copy(from) {
  if (fs.statSync(from).isDirectory()) {
    mp.FS.mkdirTree(from);
    fs.readdirSync(from).filter((name) => name !== "__pycache__").forEach((name) => copy(path.join(from, name)));
  } else {
    mp.FS.mkdirTree(path.dirname(from));
    mp.FS.writeFile(from, fs.readFileSync(from));
  }
}

[...search, ...argv.filter((word) => path.isAbsolute(word) && fs.existsSync(word))].forEach(copy);
// JSON lists of strings are Python lists of strings.
await mp.runPythonAsync(`SEARCH = ${JSON.stringify(search)}\nARGV = ${JSON.stringify(argv)}\n${START}`);
process.exitCode = Number(mp.globals.get("EXIT_CODE"));
