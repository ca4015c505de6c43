/* amper.cores._core: the compiled sampler, the bit-exact one, and a replay buffer's rows. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

#define NPY_NO_DEPRECATED_API NPY_1_7_API_VERSION
#include <numpy/arrayobject.h>

static int is_plain(PyObject *object, int type)
{
    PyArrayObject *array = (PyArrayObject *)object;
    return PyArray_Check(object) && PyArray_NDIM(array) == 1 && PyArray_TYPE(array) == type && PyArray_ISCARRAY_RO(array);
}

static void take_lock(PyThread_type_lock lock)
{
    if (!PyThread_acquire_lock(lock, NOWAIT_LOCK)) {
        Py_BEGIN_ALLOW_THREADS
        PyThread_acquire_lock(lock, WAIT_LOCK);
        Py_END_ALLOW_THREADS
    }
}

/* They need the above, and a buffer's rows are drawn by a core. */
#include "core_type.h"

#include "exact_type.h"
#include "rows_type.h"

static PyModuleDef core_module = {PyModuleDef_HEAD_INIT, .m_name = "amper.cores._core", .m_size = -1};

PyMODINIT_FUNC PyInit__core(void)
{
    import_array();
    PyObject *module = PyModule_Create(&core_module);
    name_of_indices = PyUnicode_InternFromString("indices");
    name_of_weights = PyUnicode_InternFromString("weights");
    if (module == NULL || name_of_indices == NULL || name_of_weights == NULL || PyType_Ready(&core_type) < 0
        || PyType_Ready(&rows_type) < 0)
        return NULL;
    if (PyModule_AddObjectRef(module, "Core", (PyObject *)&core_type) < 0
        || PyModule_AddObjectRef(module, "Rows", (PyObject *)&rows_type) < 0
        || PyType_Ready(&exact_type) < 0 || PyModule_AddObjectRef(module, "Exact", (PyObject *)&exact_type) < 0)
        return NULL;
    return module;
}
