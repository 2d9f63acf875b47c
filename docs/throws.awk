# Functions of the ops' headers whose comment says nothing of errors: one line each, and exit status 1. awk -f docs/throws.awk HEADER...
FNR == 1 { group = throws = inside = detail = 0 }
/^namespace detail \{/ { detail = 1 }
/^}  \/\/ namespace detail/ { detail = 0 }
/^\/\/\/ @cond/ { hidden = 1 }
/^\/\/\/ @endcond/ { hidden = 0 }
detail || hidden { next }
/^\/\/\/ @\{/ { group = 1; throws = 0; next }
/^\/\/\/ @\}/ { group = throws = 0; next }
/^\/\/\// { if (!group && !commented) throws = 0; commented = 1; if (/@throws/) throws = 1; next }
{ commented = 0 }
/^(struct|class|enum) .*\{$/ { inside = 1 }
/^};/ { inside = 0 }
!inside && /^[A-Za-z\[][^#=]*[A-Za-z_0-9+*\/-]\(/ {
  ++seen
  if (!throws) { sub(/\(.*/, ""); print FILENAME ":" FNR ": " $0 " has no @throws"; bad = 1 }
}
END {
  if (seen < 100) { print "read only " seen " functions"; bad = 1 }
  exit bad
}
