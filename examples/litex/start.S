/* The first instructions of the ROM: a stack, the pointer that the linker addresses small data by, and main. */
    .section .text.startup, "ax"
    .globl _start
_start:
    la sp, stack
    .option push
    .option norelax
    la gp, __global_pointer$
    .option pop
    j main
