#include "power.h"

#include "bits.h"

/* x a normal number above 0. */
INLINE double log2_of(double x)
{
    uint64_t bits = bits_of(x);
    double mantissa = from_bits((bits & 0xFFFFFFFFFFFFFu) | 0x3FF0000000000000u);
    /* Integers are put into the low bits of 2^52: that vectorises where a conversion does not. */
    double exponent = from_bits((bits >> 52) | 0x4330000000000000u) - (0x1p52 + 1023.0);
    int upper = mantissa > 1.4142135623730951;
    exponent = upper ? exponent + 1.0 : exponent;
    mantissa = upper ? 0.5 * mantissa : mantissa;
    double t = (mantissa - 1.0) / (mantissa + 1.0);
    double u = t * t;
    double sum = 0.26230818925253886;   /* 2 / (11 ln 2), and so on down to 2 / ln 2 */
    sum = sum * u + 0.32059889797532526;
    sum = sum * u + 0.41219858311113240;
    sum = sum * u + 0.57707801635558536;
    sum = sum * u + 0.96179669392597560;
    sum = sum * u + 2.8853900817779268;
    return exponent + sum * t;
}

INLINE double exp2_of(double y)
{
    y = y < -1000.0 ? -1000.0 : y;
    y = y > 1000.0 ? 1000.0 : y;
    double shifted = y + 0x1.8p52; /* rounds to the nearest integer, which is in the low bits */
    double f = y - (shifted - 0x1.8p52);
    double sum = 1.3215486790144307e-06; /* (ln 2)^8 / 8!, and so on down to 1 */
    sum = sum * f + 1.5252733804059841e-05;
    sum = sum * f + 0.00015403530393381608;
    sum = sum * f + 0.0013333558146428443;
    sum = sum * f + 0.009618129107628477;
    sum = sum * f + 0.05550410866482158;
    sum = sum * f + 0.2402265069591007;
    sum = sum * f + 0.6931471805599453;
    sum = sum * f + 1.0;
    return sum * from_bits((bits_of(shifted) + 1023) << 52);
}

/* (|error| + eps)^alpha */
INLINE double exponentiated(double error, double eps, double alpha)
{
    double magnitude = (error < 0.0 ? -error : error) + eps;
    return magnitude < 0x1p-1022 ? 0.0 : exp2_of(alpha * log2_of(magnitude));
}

FOR_EACH_CPU
void exponentiate(double *number, int64_t count, double eps, double alpha)
{
    for (int64_t i = 0; i < count; i++)
        number[i] = exponentiated(number[i], eps, alpha);
}

FOR_EACH_CPU
void normalised_weights(const double *value, float *weight, int64_t count, double beta)
{
    double least = value[0];
    for (int64_t i = 1; i < count; i++)
        least = value[i] < least ? value[i] : least;
    for (int64_t i = 0; i < count; i++)
        weight[i] = (float)exp2_of(beta * log2_of(least / value[i]));
}
