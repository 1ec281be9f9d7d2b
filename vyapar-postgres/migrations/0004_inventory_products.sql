-- Products of a store (spec: store_products), without the stock columns: levels are written
-- with every sale, products are not, and a hybrid keeps them apart (see stock_levels).

create table vyapar.store_products (
    id                  uuid           not null constraint store_products_pkey primary key,
    store_id            uuid           not null,
    generic_product_id  uuid,
    sku                 varchar(64)    not null,
    barcode             varchar,
    product_name        varchar        not null,
    brand_id            uuid,
    variant_type        varchar,
    size                numeric,
    size_unit           varchar,
    hsn_code            varchar(8),
    mrp                 numeric(15, 2) not null,
    cost_price          numeric(15, 2),
    selling_price       numeric(15, 2) not null,
    tax_rate            numeric(5, 2)  not null,
    discount_percentage numeric(5, 2)  not null,
    stock_unit          varchar        not null,
    min_stock_level     numeric(12, 3),
    max_stock_level     numeric(12, 3),
    status              varchar        not null check (status in ('active', 'inactive', 'discontinued')),
    version             bigint         not null check (version > 0),
    created_at          timestamptz    not null,
    updated_at          timestamptz    not null,
    constraint store_products_sku unique (store_id, sku),
    check (selling_price between 0 and mrp)
);

create index store_products_store on vyapar.store_products (store_id, id);
create index store_products_store_status_sku on vyapar.store_products (store_id, status, sku);
create index store_products_barcode on vyapar.store_products (store_id, barcode, id) where barcode is not null;

select from vyapar.isolate_by_store('store_products');
grant select, insert, update on vyapar.store_products to vyapar_app;

create function vyapar.insert_product(p_product jsonb, p_audit jsonb, p_lock_timeout integer) returns void
language plpgsql as $$
begin
    perform vyapar.enter(array[(p_product ->> 'store_id')::uuid], p_lock_timeout);
    insert into vyapar.store_products select * from jsonb_populate_record(null::vyapar.store_products, p_product);
    perform vyapar.insert_audit(p_audit);
end
$$;

-- Stores the new state where the version is the expected one; says whether it was.
create function vyapar.update_product(p_product jsonb, p_expected bigint, p_audit jsonb, p_lock_timeout integer)
returns boolean
language plpgsql as $$
begin
    perform vyapar.enter(array[(p_product ->> 'store_id')::uuid], p_lock_timeout);
    update vyapar.store_products p
       set generic_product_id = n.generic_product_id, sku = n.sku, barcode = n.barcode,
           product_name = n.product_name, brand_id = n.brand_id, variant_type = n.variant_type, size = n.size,
           size_unit = n.size_unit, hsn_code = n.hsn_code, mrp = n.mrp, cost_price = n.cost_price,
           selling_price = n.selling_price, tax_rate = n.tax_rate, discount_percentage = n.discount_percentage,
           min_stock_level = n.min_stock_level, max_stock_level = n.max_stock_level, status = n.status,
           version = p_expected + 1, updated_at = n.updated_at
      from jsonb_populate_record(null::vyapar.store_products, p_product) n
     where p.store_id = n.store_id and p.id = n.id and p.version = p_expected;
    if not found then
        return false;
    end if;
    perform vyapar.insert_audit(p_audit);
    return true;
end
$$;

create function vyapar.find_products(p_store uuid, p_ids uuid[], p_lock_timeout integer)
returns setof vyapar.store_products
language plpgsql as $$
begin
    perform vyapar.enter(array[p_store], p_lock_timeout);
    return query select * from vyapar.store_products p where p.store_id = p_store and p.id = any (p_ids);
end
$$;
