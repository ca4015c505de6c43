/* x^y to about 1e-9, in additions, multiplications and one division, the same ones as weights.py: the two agree bit for
 * bit, which the C library's pow and NumPy's do not. */
#ifndef AMPER_POWER_H
#define AMPER_POWER_H

#include <stdint.h>

/* number[i] = (|number[i]| + eps)^alpha; finite. */
void exponentiate(double *number, int64_t count, double eps, double alpha);

/* weight[i] = (least value / value[i])^beta, in (0, 1]: normalised by the largest of the batch. */
void normalised_weights(const double *value, float *weight, int64_t count, double beta);

#endif
