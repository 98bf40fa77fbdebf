#!/usr/bin/env bash
# Stands in for the program under test: FAIRLEAD_BIN=tools/under_valgrind.sh FAIRLEAD_REAL_BIN=build/dev/fairlead. Any
# invalid access, use of uninitialised memory or leaked block makes it exit with 97 instead of 0.
exec valgrind --quiet --leak-check=full --show-leak-kinds=definite,indirect,possible \
  --errors-for-leak-kinds=definite,indirect,possible --error-exitcode=97 "$FAIRLEAD_REAL_BIN" "$@"
