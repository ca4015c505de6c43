/* A batch from user space on Linux: the sampler as a UIO device, its interrupt in place of polling.
 *
 * Device tree, with the kernel's parameter uio_pdrv_genirq.of_id=generic-uio:
 *
 *     replay@43c00000 {
 *         compatible = "generic-uio";
 *         reg = <0x43c00000 0x1000>;
 *         interrupts = <0 29 4>; // level, active high
 *     };
 *
 * With the files that `amper generate --bus axi` writes in DIR: gcc -IDIR -include wait.h -o batch main.c DIR/amper*.c
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "amper.h"

#define DRAWS 64

static int uio;
static uint32_t rows[DRAWS], priorities[DRAWS];

/* The kernel disables the interrupt when it comes; a write of 1 enables it, a read sleeps until it has come. */
void uio_wait(void)
{
    uint32_t word = 1;
    if (write(uio, &word, sizeof word) != sizeof word || read(uio, &word, sizeof word) != sizeof word)
        perror("uio"); /* then the driver polls */
}

static int fill(struct amper *device)
{
    uint32_t row;
    int result = AMPER_OK;
    for (row = 0; result == AMPER_OK && row < device->rows_max; row++)
        result = amper_write(device, row, 1 + row % device->priority_max);
    return result;
}

int main(int count, char **words)
{
    const char *path = count > 1 ? words[1] : "/dev/uio0";
    struct amper device;
    uint32_t draw;
    void *base;
    int result;
    uio = open(path, O_RDWR);
    base = uio < 0 ? MAP_FAILED : mmap(NULL, 0x1000, PROT_READ | PROT_WRITE, MAP_SHARED, uio, 0);
    if (base == MAP_FAILED) {
        perror(path);
        return 1;
    }
    result = amper_init(&device, base);
    if (result == AMPER_OK)
        result = fill(&device);
    if (result == AMPER_OK) {
        amper_enable_interrupts(&device, AMPER_IRQ_ENABLE_RESULT_MASK);
        result = amper_sample(&device, DRAWS, rows, priorities);
    }
    if (result != AMPER_OK) {
        fprintf(stderr, "%s: the driver says %d\n", path, result);
        return 1;
    }
    for (draw = 0; draw < device.drawn; draw++)
        printf("%" PRIu32 " %" PRIu32 "\n", rows[draw], priorities[draw]);
    return 0;
}
