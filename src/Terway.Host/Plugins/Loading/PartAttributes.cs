using System.Composition;
using System.Composition.Convention;
using System.Reflection;

namespace Terway.Host.Plugins.Loading;

/// <summary>Reads a part's attributes as written, and adds to every export the name of the part: an export is otherwise anonymous until it exists.</summary>
internal sealed class PartAttributes : AttributedModelProvider
{
    /// <inheritdoc/>
    public override IEnumerable<Attribute> GetCustomAttributes(Type reflectedType, MemberInfo member)
    {
        if (member is not TypeInfo && member.DeclaringType != reflectedType)
            return [];
        var attributes = Attribute.GetCustomAttributes(member, inherit: false);
        return attributes.Any(a => a is ExportAttribute)
            ? [.. attributes, new ExportMetadataAttribute(nameof(PartName.Part), reflectedType.FullName!)]
            : attributes;
    }

    /// <inheritdoc/>
    public override IEnumerable<Attribute> GetCustomAttributes(Type reflectedType, ParameterInfo parameter) =>
        Attribute.GetCustomAttributes(parameter, inherit: false);
}

/// <summary>Metadata view of <see cref="PartAttributes"/>.</summary>
internal sealed class PartName
{
    public string Part { get; set; } = "";
}
