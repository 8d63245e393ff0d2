// Every P/Invoke is blittable: without the marshaller they need no stubs generated at run time.
[assembly: System.Runtime.CompilerServices.DisableRuntimeMarshalling]
