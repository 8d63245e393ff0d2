using System.Composition;
using System.Reflection;
using Terway.Configuration.Plugins.Manifests;
using Terway.Plugin;

namespace Terway.Host.Plugins.Loading;

/// <summary>
/// Looks at the parts of a loaded assembly before they are composed. The container stops at the first import it cannot satisfy; this names all of
/// them, and what else cannot work.
/// </summary>
internal sealed class PartInspector
{
    private readonly PluginManifest _plugin;
    private readonly List<Finding> _findings = [];
    private readonly List<Type> _parts = [];
    private readonly HashSet<(Type Contract, string? Name)> _exports = [(typeof(IPluginHost), null)];

    private PartInspector(PluginManifest plugin) => _plugin = plugin;

    /// <summary>Types that export something.</summary>
    public IReadOnlyList<Type> Parts => _parts;

    /// <summary>Inspects the types of a plugin's entry assembly.</summary>
    /// <exception cref="PluginRefusedException">Something cannot work.</exception>
    public static PartInspector Inspect(PluginManifest plugin, IEnumerable<Type> types)
    {
        var inspector = new PartInspector(plugin);
        var roles = new SortedDictionary<string, List<string>>(StringComparer.Ordinal);
        foreach (var type in types.Where(t => t is { IsClass: true, IsAbstract: false }).OrderBy(t => t.FullName, StringComparer.Ordinal))
            inspector.ReadExports(type, roles);
        foreach (var part in inspector._parts)
            inspector.CheckImports(part);
        inspector.CheckRoles(roles);
        return inspector._findings.Count == 0 ? inspector : throw new PluginRefusedException(PluginState.Rejected, inspector._findings);
    }

    private void ReadExports(Type type, SortedDictionary<string, List<string>> roles)
    {
        var own = new List<string>();
        var any = false;
        foreach (var (contract, name) in ExportsOf(type))
        {
            any = true;
            _exports.Add((contract, name));
            if (!PluginRoles.Types.Contains(contract))
                continue;
            if (name is not null)
                Add($"part '{type.FullName}' exports {contract.Name} under the name '{name}'", "export roles without a name");
            else
                own.Add(contract.Name);
        }
        if (!any)
            return;
        _parts.Add(type);
        foreach (var role in own)
            (roles.TryGetValue(role, out var parts) ? parts : roles[role] = []).Add(type.FullName!);
        if (own.Count > 0 && type.GetCustomAttribute<SharedAttribute>() is null)
        {
            Add($"part '{type.FullName}' exports {string.Join(" and ", own)} without [Shared], so that each import and each role would get an object of its own",
                "put [Shared] on the class");
        }
    }

    private static IEnumerable<(Type Contract, string? Name)> ExportsOf(Type type)
    {
        foreach (var export in type.GetCustomAttributes<ExportAttribute>(inherit: false))
            yield return (export.ContractType ?? type, export.ContractName);
        foreach (var property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly))
        {
            foreach (var export in property.GetCustomAttributes<ExportAttribute>(inherit: false))
                yield return (export.ContractType ?? property.PropertyType, export.ContractName);
        }
    }

    private void CheckImports(Type part)
    {
        var constructors = part.GetConstructors(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance);
        var constructor = constructors.FirstOrDefault(c => c.IsDefined(typeof(ImportingConstructorAttribute)))
            ?? constructors.FirstOrDefault(c => c.IsPublic && c.GetParameters().Length == 0);
        if (constructor is null)
        {
            Add($"part '{part.FullName}' has neither a constructor with [ImportingConstructor] nor a public one without parameters",
                "put [ImportingConstructor] on the constructor that takes the imports");
        }
        foreach (var parameter in constructor?.GetParameters() ?? [])
            CheckImport(part, $"constructor parameter '{parameter.Name}'", parameter.ParameterType, [.. parameter.GetCustomAttributes()]);
        foreach (var property in part.GetProperties(BindingFlags.Public | BindingFlags.Instance))
        {
            var attributes = property.GetCustomAttributes().ToList();
            if (attributes.Exists(a => a is ImportAttribute))
                CheckImport(part, $"property '{property.Name}'", property.PropertyType, attributes);
        }
    }

    private void CheckImport(Type part, string where, Type type, List<Attribute> attributes)
    {
        var import = attributes.OfType<ImportAttribute>().FirstOrDefault();
        if (attributes.Exists(a => a is ImportManyAttribute) || import?.AllowDefault == true)
            return;
        var contract = type is { IsGenericType: true } && Wrappers.Contains(type.GetGenericTypeDefinition()) ? type.GetGenericArguments()[0] : type;
        if (_exports.Contains((contract, import?.ContractName))
            || (contract.IsGenericType && _exports.Contains((contract.GetGenericTypeDefinition(), import?.ContractName))))
            return;
        var named = import?.ContractName is { } name ? $" named '{name}'" : "";
        Add($"part '{part.FullName}' imports {contract.FullName ?? contract.Name}{named} ({where}), which nothing exports",
            $"export it from a part of the plugin, or take it from {nameof(IPluginHost)}, the only export of the host");
    }

    private void CheckRoles(SortedDictionary<string, List<string>> roles)
    {
        foreach (var role in _plugin.Provides.Where(r => !roles.ContainsKey(r)).Order(StringComparer.Ordinal))
            Add($"plugin.json says that it provides {role}, but no part exports it", $"put [Export(typeof({role}))] on the part, or remove {role} from 'provides'");
        foreach (var (role, parts) in roles.Where(r => !_plugin.Provides.Contains(r.Key)))
            Add($"part '{string.Join("', '", parts)}' exports {role}, which plugin.json does not say", $"add {role} to 'provides', or remove the export");
    }

    private static Type[] Wrappers => [typeof(Lazy<>), typeof(Lazy<,>), typeof(ExportFactory<>), typeof(ExportFactory<,>)];

    private void Add(string reason, string fix) => _findings.Add(new Finding(FindingSeverity.Error, $"{_plugin}: {reason}", fix));
}
