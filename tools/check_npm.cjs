// check_npm.cjs FOLDER: what npm put into FOLDER/node_modules is what FOLDER/package-lock.json names, to the version and
// the hash, and nothing that is not optional is missing. Exit 1 and the differences otherwise.
const path = require("path");

const folder = path.resolve(process.argv[2]);
const locked = require(path.join(folder, "package-lock.json")).packages;
const present = require(path.join(folder, "node_modules/.package-lock.json")).packages;
const faults = [];
for (const [name, entry] of Object.entries(present)) {
  const wanted = locked[name];
  if (!wanted) faults.push(`${name}: not in the lock file`);
  else if (wanted.version !== entry.version) faults.push(`${name}: ${entry.version}, locked ${wanted.version}`);
  else if (wanted.integrity && wanted.integrity !== entry.integrity) faults.push(`${name}: another hash than locked`);
}
for (const [name, entry] of Object.entries(locked)) {
  if (name !== "" && !entry.optional && !entry.peer && !present[name]) faults.push(`${name}: missing`);
}
for (const fault of faults) console.error(`${process.argv[2]}: ${fault}`);
process.exit(faults.length ? 1 : 0);
