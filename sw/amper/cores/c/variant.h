/* The variants of AMPER, in the order of AMPER_VARIANTS in amper_spec/config.py. */
#ifndef AMPER_VARIANT_H
#define AMPER_VARIANT_H

enum Variant { FR_DITHERED, FR_PREFIX, FR, NEAREST };

#endif
