/* The types of the module, each in a file of its name. */
#ifndef AMPER_TYPES_H
#define AMPER_TYPES_H

#include "arrays.h"

extern PyTypeObject core_type, exact_type, planes_type, rows_type;

/* What has to be done once before there can be Rows; -1 with an exception. */
int rows_prepare(void);

#endif
