// What the sources of the console say by themselves, and what of the translation files they ask for. With TypeScript's own
// types, so that a label in an object, a condition's other branch and what a function returns are seen for what they are.
//   words.cjs → {"literals": [{at, text}], "used": {key: place}, "prefixes": {prefix: place}, "unknown": [place]}
// A key is "namespace:name"; a prefix is of keys that are put together at run time from what no type tells.
'use strict';
const path = require('node:path');
const CONSOLE = path.join(__dirname, '../../../console');
const ts = require(path.join(CONSOLE, 'node_modules/typescript'));

const { config } = ts.readConfigFile(path.join(CONSOLE, 'tsconfig.json'), ts.sys.readFile);
const { options, fileNames } = ts.parseJsonConfigFileContent(config, ts.sys, CONSOLE);
const program = ts.createProgram(fileNames, options);
const checker = program.getTypeChecker();
const own = program.getSourceFiles().filter((f) => f.fileName.startsWith(`${CONSOLE}/src/`) && !f.isDeclarationFile);

const place = (node) => {
  const file = node.getSourceFile();
  return `${path.relative(CONSOLE, file.fileName)}:${file.getLineAndCharacterOfPosition(node.getStart()).line + 1}`;
};

// What a person reads or hears, whatever takes it: attributes of elements and members of the objects that describe them.
const SEEN = new Set(('title label placeholder alt aria-label aria-description aria-roledescription aria-valuetext description message ' +
  'okText cancelText tooltip content extra addonAfter addonBefore suffix prefix subTitle help tab caption header footer ' +
  'emptyText unit legend text subtext').split(' '));
const TELLS = /[\p{L}–—]/u;
const DASH = /^[–—-]$/; // for what is not there, whatever takes it

const isText = (node) => ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node) || ts.isTemplateExpression(node);
const wordsOf = (node) =>
  ts.isTemplateExpression(node) ? [node.head.text, ...node.templateSpans.map((s) => s.literal.text)].join('…') : node.text;

// Through what only chooses or passes on, to what takes the value: the member, the attribute, the element.
function takerOf(node) {
  let at = node;
  for (let up = node.parent; up; at = up, up = up.parent) {
    const chooses = ts.isParenthesizedExpression(up) || ts.isJsxExpression(up) || ts.isAsExpression(up) || ts.isTemplateSpan(up) ||
      ts.isTemplateExpression(up) || (ts.isConditionalExpression(up) && up.condition !== at) || (ts.isBinaryExpression(up) &&
        (['??', '||'].includes(up.operatorToken.getText()) || up.operatorToken.getText() === '+' || (up.operatorToken.getText() === '&&' && up.right === at)));
    if (!chooses) return [up, at];
  }
  return [undefined, at];
}

const isNode = (type) => !!type && (type.aliasSymbol?.name === 'ReactNode' ||
  (type.isUnion() && type.types.some((t) => ['ReactElement', 'ReactPortal'].includes(t.symbol?.name))));

function isSeen(node) {
  const [up, at] = takerOf(node);
  if (!up) return false;
  if (ts.isJsxElement(up) || ts.isJsxFragment(up)) return true;
  if (ts.isJsxAttribute(up) && SEEN.has(up.name.getText())) return true;
  if (ts.isPropertyAssignment(up) && up.initializer === at && SEEN.has(up.name.text)) return true;
  if (ts.isBinaryExpression(up) && up.right === at && ts.isPropertyAccessExpression(up.left) &&
      ['title', 'textContent', 'innerText', 'innerHTML'].includes(up.left.name.text)) return true;
  // What a form's rule answers.
  if (ts.isNewExpression(up) && ts.isCallExpression(up.parent) && up.parent.expression.getText() === 'Promise.reject') return true;
  if (ts.isJsxAttribute(up) && ts.isStringLiteral(node)) return isNode(checker.getContextualType(up.initializer));
  return isNode(checker.getContextualType(node));
}

const literals = [];
const sentence = /\p{L}{2,} \p{L}{2,}|\p{Script=Han}/u; // wherever it stands
function look(node) {
  if (ts.isImportDeclaration(node) || ts.isTypeNode(node)) return;
  if (ts.isJsxText(node)) {
    if (TELLS.test(node.text)) literals.push({ at: place(node), text: node.text.trim() });
  } else if (isText(node)) {
    const text = wordsOf(node);
    const inStyle = ts.findAncestor(node, (a) => ts.isJsxAttribute(a) && /^(style|className|gridTemplate\w*)$/.test(a.name.getText()));
    const thrown = ts.findAncestor(node, (a) => ts.isThrowStatement(a)); // a mistake of ours, for whoever mends it
    if (TELLS.test(text) && !inStyle && (DASH.test(text) || isSeen(node) || (sentence.test(text) && !thrown && !keysAt.has(node))))
      literals.push({ at: place(node), text });
  }
  ts.forEachChild(node, look);
}

// "domains" of TFunction<"domains">; the first of several is what a key without a namespace is of.
function namespacesOf(type) {
  const [first] = (type.aliasTypeArguments ?? checker.getTypeArguments(type)) ?? [];
  const names = (t) => !t ? [] : t.isStringLiteral() ? [t.value] : checker.isTupleType(t) ? checker.getTypeArguments(t).flatMap(names) :
    checker.isArrayType(t) ? checker.getTypeArguments(t).flatMap(names) : t.isUnion() ? t.types.flatMap(names) : [];
  const found = names(first);
  return found[0] === 'translation' || !found.length ? ['common'] : found;
}
const isT = (type) => type.symbol?.name === 'TFunction' || type.aliasSymbol?.name === 'TFunction';

// Every text that an expression can be, or undefined; "*" stands for what no type tells.
function textsOf(node) {
  if (ts.isParenthesizedExpression(node) || ts.isAsExpression(node)) return textsOf(node.expression);
  if (ts.isConditionalExpression(node)) return [...textsOf(node.whenTrue), ...textsOf(node.whenFalse)];
  if (ts.isTemplateExpression(node)) {
    let all = [node.head.text];
    for (const span of node.templateSpans) {
      const parts = textsOf(span.expression);
      all = all.flatMap((a) => parts.map((p) => a + p + span.literal.text));
    }
    return all;
  }
  if (ts.isBinaryExpression(node) && ['||', '??'].includes(node.operatorToken.getText()))
    return [...textsOf(node.left), ...textsOf(node.right)];
  const found = textsOfType(checker.getTypeAtLocation(node));
  // What a question has narrowed may be nothing that a text can be told from.
  if (!ts.isIdentifier(node) || !found.includes('*')) return found;
  return textsOfType(checker.getTypeOfSymbol(checker.getSymbolAtLocation(node)));
}
const textsOfType = (type) => (type.isUnion() ? type.types : [type]).flatMap((t) =>
  t.isStringLiteral() || t.isNumberLiteral() ? [String(t.value)] :
  t.flags & ts.TypeFlags.TemplateLiteral ? [t.texts.join('*')] :
  t.flags & ts.TypeFlags.BooleanLiteral ? [checker.typeToString(t)] :
  t.flags & (ts.TypeFlags.Undefined | ts.TypeFlags.Null) ? [] : ['*']);

const used = {};
const prefixes = {};
const unknown = [];
const keysAt = new Set();
function ask(node, namespaces, named) {
  ts.forEachChild(node, function keys(inner) { if (isText(inner)) keysAt.add(inner); ts.forEachChild(inner, keys); });
  keysAt.add(node);
  for (const text of textsOf(node)) {
    const key = text.includes(':') ? text : `${namespaces[0]}:${text}`;
    if (!key.includes('*')) used[key] ??= place(node);
    else if (named || /:[^*]/.test(key)) prefixes[key] ??= place(node);
    else unknown.push(place(node));
  }
}
function asks(node) {
  if (ts.isCallExpression(node) && node.arguments.length) {
    const type = checker.getTypeAtLocation(node.expression);
    if (isT(type)) {
      const named = /\bns: "([\w-]+)"/.exec(node.arguments[1]?.getText() ?? '')?.[1];
      ask(node.arguments[0], named ? [named] : namespacesOf(type), named);
    }
  }
  if (ts.isJsxAttribute(node) && node.name.getText() === 'i18nKey') {
    const t = node.parent.properties.find((p) => ts.isJsxAttribute(p) && p.name.getText() === 't');
    const value = ts.isJsxExpression(node.initializer) ? node.initializer.expression : node.initializer;
    ask(value, t ? namespacesOf(checker.getTypeAtLocation(t.initializer.expression)) : ['common']);
  }
  ts.forEachChild(node, asks);
}

for (const file of own) asks(file);
for (const file of own) look(file);
console.log(JSON.stringify({ files: own.length, literals, used, prefixes, unknown }));
