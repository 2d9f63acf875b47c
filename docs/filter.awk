# What Doxygen reads of a header, so that the header reads well as it is. Lines keep their numbers.
#   the comment at a file's top           -> the file's page
#   member;  // what it is                -> ///< what it is, for each member of `double a = 1, b = 2;  // ...`
#   members that are deleted, defaulted   -> not shown: they say it themselves
#   a constructor's Scope                 -> not shown: nn/module.h says once what it is
#   #define OP(...)                       -> not shown: what ops.def's rows become, undefined behind them
#   <s>, </s>, <pad>, <unk>               -> text, no HTML
FNR == 1 { top = FILENAME ~ /\.h$/ }
top && /^\/\// { sub(/^\/\//, "///"); emit(as_text($0)); next }
top && /^#pragma once/ { emit("/// @file"); top = 0; next }
top && /^$/ { top = 0 }

# A constructor that takes nothing but its Scope says nothing either; Module's own is where it is explained.
/^ *(explicit )?[A-Za-z]+\(const (nn::)?Scope& scope( = \{\})?\).*[;}]$/ && !/ Module\(const Scope/ { emit(""); next }
{ gsub(/, const (nn::)?Scope& scope( = \{\})?/, "") }
/^ +const (nn::)?Scope& scope( = \{\})?\)/ { sub(/,$/, "", held); sub(/const (nn::)?Scope& scope( = \{\})?/, "") }  # on a line of its own

/^#define OP\(/ { rows = 1 }
rows { rows = /\\$/; emit(""); next }

# Doxygen documents only the last of several members in one declaration: they get one each.
/^ *(static constexpr |const )?[A-Za-z_][A-Za-z0-9_:<>]* [A-Za-z_0-9]+( = [^,(){}]+)?(, [A-Za-z_0-9]+( = [^,(){}]+)?)+;  *\/\/(\/<)? / {
  semicolon = index($0, ";")
  declaration = substr($0, 1, semicolon - 1)
  about = substr($0, semicolon + 1)
  sub(/^ *\/\/(\/<)? /, "", about)
  match(declaration, /^ *(static constexpr |const )?[A-Za-z_][A-Za-z0-9_:<>]* /)
  type = substr(declaration, 1, RLENGTH)
  count = split(substr(declaration, RLENGTH + 1), names, ", ")
  line = ""
  for (i = 1; i <= count; ++i) line = line type names[i] "; /**< " as_text(about) " */ "
  emit(line)
  next
}
/^ *[^\/ ].*[;,{}]  *\/\/ / { sub(/  *\/\/ /, "  ///< ") }
/^extern template|= (delete|default);/ { emit(""); next }
/\/\/\// { emit(as_text($0)); next }
{ emit($0) }

# A line waits until the next one is known.
function emit(line) {
  if (waits) print held
  held = line
  waits = 1
}
END { if (waits) print held }

# The special tokens outside of `code`.
function as_text(line,    parts, n, i, result) {
  n = split(line, parts, "`")
  for (i = 1; i <= n; i += 2) {
    gsub(/<s>/, "\\&lt;s\\&gt;", parts[i])
    gsub(/<\/s>/, "\\&lt;/s\\&gt;", parts[i])
    gsub(/<pad>/, "\\&lt;pad\\&gt;", parts[i])
    gsub(/<unk>/, "\\&lt;unk\\&gt;", parts[i])
  }
  result = parts[1]
  for (i = 2; i <= n; ++i) result = result "`" parts[i]
  return result
}
