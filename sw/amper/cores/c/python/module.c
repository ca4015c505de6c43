/* amper.cores._core: the compiled sampler, the bit-exact one, and a replay buffer's rows. */
#define AMPER_MODULE
#include "types.h"

static int add_type(PyObject *module, const char *name, PyTypeObject *type)
{
    return PyType_Ready(type) < 0 ? -1 : PyModule_AddObjectRef(module, name, (PyObject *)type);
}

static int core_exec(PyObject *module)
{
    import_array1(-1);
    return rows_prepare() < 0 || at_once_prepare() < 0 || add_type(module, "AtOnce", &at_once_type) < 0
                   || add_type(module, "Core", &core_type) < 0 || add_type(module, "Rows", &rows_type) < 0
                   || add_type(module, "Exact", &exact_type) < 0 || add_type(module, "Planes", &planes_type) < 0
                   || add_type(module, "CodeTree", &code_tree_type) < 0
               ? -1
               : 0;
}

static PyModuleDef_Slot core_slots[] = {
    {Py_mod_exec, core_exec},
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED}, /* Core and Rows have locks of their own; who uses the others holds one */
#endif
    {0, NULL},
};

static PyModuleDef core_module = {PyModuleDef_HEAD_INIT, .m_name = "amper.cores._core", .m_slots = core_slots};

PyMODINIT_FUNC PyInit__core(void)
{
    return PyModuleDef_Init(&core_module);
}
