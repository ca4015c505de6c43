/* The types of the module, each in a file of its name; those of planes and code_tree are one, in places_type.c. */
#ifndef AMPER_TYPES_H
#define AMPER_TYPES_H

#include "arrays.h"

extern PyTypeObject at_once_type, code_tree_type, core_type, exact_type, planes_type, rows_type;

/* What has to be done once before there can be Rows, or AtOnce; -1 with an exception. */
int rows_prepare(void);
int at_once_prepare(void);

#endif
