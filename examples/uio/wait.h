/* How the driver waits for a draw: asleep, until the sampler's interrupt. */
void uio_wait(void);
#define AMPER_WAIT(device) uio_wait()
