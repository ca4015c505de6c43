/* amper.cores._core: the compiled sampler, the bit-exact one, and a replay buffer's rows. */
#define AMPER_MODULE
#include "types.h"

static PyModuleDef core_module = {PyModuleDef_HEAD_INIT, .m_name = "amper.cores._core", .m_size = -1};

static int add_type(PyObject *module, const char *name, PyTypeObject *type)
{
    return PyType_Ready(type) < 0 ? -1 : PyModule_AddObjectRef(module, name, (PyObject *)type);
}

PyMODINIT_FUNC PyInit__core(void)
{
    import_array();
    PyObject *module = PyModule_Create(&core_module);
    if (module == NULL || rows_prepare() < 0 || add_type(module, "Core", &core_type) < 0
        || add_type(module, "Rows", &rows_type) < 0 || add_type(module, "Exact", &exact_type) < 0
        || add_type(module, "Planes", &planes_type) < 0) {
        Py_XDECREF(module);
        return NULL;
    }
    return module;
}
