/* A lock that a long operation hands over between its pieces: who waits comes first. (A plain one would mostly go to the
 * thread that has just released it.) Whoever finds it taken waits for `queue` first, and holds that until it has `lock`. */
#ifndef AMPER_LOCK_H
#define AMPER_LOCK_H

#include "arrays.h"

typedef struct {
    PyThread_type_lock lock, queue;
} Lock;

INLINE int lock_new(Lock *lock)
{
    lock->lock = PyThread_allocate_lock();
    lock->queue = PyThread_allocate_lock();
    return lock->lock && lock->queue ? 0 : -1;
}

INLINE void lock_free(Lock *lock)
{
    if (lock->lock)
        PyThread_free_lock(lock->lock);
    if (lock->queue)
        PyThread_free_lock(lock->queue);
}

/* After those who wait; without the GIL. */
INLINE void lock_take_in_turn(const Lock *lock)
{
    PyThread_acquire_lock(lock->queue, WAIT_LOCK);
    PyThread_acquire_lock(lock->lock, WAIT_LOCK);
    PyThread_release_lock(lock->queue);
}

/* With the GIL. */
INLINE void lock_take(const Lock *lock)
{
    if (!PyThread_acquire_lock(lock->lock, NOWAIT_LOCK)) {
        Py_BEGIN_ALLOW_THREADS
        lock_take_in_turn(lock);
        Py_END_ALLOW_THREADS
    }
}

INLINE void lock_release(const Lock *lock)
{
    PyThread_release_lock(lock->lock);
}

/* Take it so that nobody else is anywhere in it, not even half: for a fork. With the GIL. */
INLINE void lock_take_whole(const Lock *lock)
{
    Py_BEGIN_ALLOW_THREADS
    PyThread_acquire_lock(lock->queue, WAIT_LOCK);
    PyThread_acquire_lock(lock->lock, WAIT_LOCK);
    Py_END_ALLOW_THREADS
}

/* Whole from now on, for who has it; 0 if somebody waits for it. */
INLINE int lock_take_queue(const Lock *lock)
{
    return PyThread_acquire_lock(lock->queue, NOWAIT_LOCK);
}

INLINE void lock_release_whole(const Lock *lock)
{
    PyThread_release_lock(lock->lock);
    PyThread_release_lock(lock->queue);
}

#endif
